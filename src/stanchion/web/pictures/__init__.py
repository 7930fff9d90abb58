"""Pictures: where each line and box of a drawing stands, computed here and drawn by the macros in templates/pictures.

Everything is pure and in units of the drawing (about one pixel on a wide screen). A picture never says anything alone:
the same facts stand beside it as text.
"""
