"""lstm-zoo: recurrent networks, trained and compared from the shell."""

__version__ = "0.1.0"
