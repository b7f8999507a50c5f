"""What becomes of definitions and their data when definitions change."""
