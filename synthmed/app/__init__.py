"""What the user sees: the only code that knows FiftyOne.

Points, banks, scenes, predictions and CAMs go in and out of FiftyOne datasets as runs that can be listed,
looked at and deleted again. Every function here is what an operator of the plugin, the command line and a
notebook call alike.
"""
