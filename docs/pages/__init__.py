"""The generated pages: each function here returns the text of one."""
