"""What comes out: meshes, drawings of them, and the way from pictures to a shape."""
