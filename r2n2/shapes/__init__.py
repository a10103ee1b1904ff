"""From pictures to a shape, and its output: meshes, drawings and pages."""
