"""What goes in: pictures as people have them, made into views as a network sees them."""
