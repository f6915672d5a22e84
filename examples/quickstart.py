"""Two networks side by side: the shell's verbs in Python. `quickstart.ipynb` goes further.

python examples/quickstart.py
"""

import lstm_zoo as zoo

results = zoo.compare(["simple-rnn", "gru:units=32"], "digits", seeds=2, epochs=3)
print(results)
print(results.models[["name", "mean", "std", "parameters"]])
print(zoo.Run("last"))
