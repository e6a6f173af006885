"""The commands of ``synthmed``: one file for each group; `synthmed.cli` puts them together."""
