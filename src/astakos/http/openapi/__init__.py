"""What each call takes and answers: said beside its handler, published as a document and as a page."""
