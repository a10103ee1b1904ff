"""Common ground: timing functions side by side, a device's peaks, and storing results."""
