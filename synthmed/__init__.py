"""From clicked centres to trained detectors: synthetic training images for microscopy.

The packages stand in one street, and each imports only those before it::

    points -> bank -> scenes -> datasets -> metrics -> nets -> app

``import synthmed`` costs next to nothing; fiftyone is imported in ``synthmed.app`` alone, torch and
mmdet in ``synthmed.nets`` alone.
"""

__version__ = "0.1.0"
