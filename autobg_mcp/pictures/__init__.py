"""Look at and change pictures: nothing here knows where files lie or talks HTTP.

    intake    a file becomes an upload          preview  what a model sees of one picture
    decoding  Pillow behind one bounded door    sheet    many pictures on one sheet
    alone     one lane for all decoding         compare  whether two pictures show the same

Pillow is loaded by the first function that needs it.
"""
