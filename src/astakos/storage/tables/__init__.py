"""Statements, a module for each part of the state; written once for every kind of database."""
