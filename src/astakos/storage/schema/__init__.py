"""The tables, and the migrations from older revisions of them."""
