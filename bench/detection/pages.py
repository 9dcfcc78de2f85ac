def write_pages(figures): pass
