"""What an OPC UA server says of itself, and whether it is one to read from. Pure: nothing here speaks to it."""
