"""What a prediction leaves behind: the record, the report, images, a few lines of text."""
