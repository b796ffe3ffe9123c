"""What the web pages look like: templates, styles, words and charts; values in, HTML out."""
