"""What the directory says in other forms than JSON."""
