"""x"""
def read(body, coding):
    return iter(())
