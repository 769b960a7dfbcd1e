"""Pictures in and out: which files are read, what is uploaded, where results go and what a model sees.

    fence    which local files may be read          intake   a file becomes an upload
    outbox   results become files                   preview  what a model sees of one picture
    sheet    many pictures on one sheet             compare  whether two pictures show the same
    links    addresses that may be fetched          archive  pictures out of a zip

Nothing here talks HTTP, and Pillow is loaded by the first function that needs it.
"""
