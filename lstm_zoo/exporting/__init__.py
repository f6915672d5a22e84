"""A trained model for other programs: in their formats, with its scaling, and compared first."""
