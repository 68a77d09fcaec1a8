"""What other systems wrote, read as readings of ours."""
