"""Pages for users and administrators below `ui/`: one module for each view. `page_routes.py` lists them."""
