"""Reports as text: checks, statements, features, language, context."""
