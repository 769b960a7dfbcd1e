"""Look at and change pictures: nothing here knows where files lie or talks HTTP.

    intake    a photo becomes an upload          preview  what a model sees of one picture
    decoding  Pillow behind one bounded door     sheet    many pictures on one sheet
    lane      one lane for all decoding          compare  whether two pictures show the same
    jpeg, png, webp, gif   what a file is made of, told without decoding it (pieces: what they share; exif: orientation)

Pillow is loaded by the first function that needs it.
"""
