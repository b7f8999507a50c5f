"""What runs checked expressions: Python functions, SQL expressions, explanations."""
