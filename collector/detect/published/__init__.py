"""What providers publish for everybody, certificates among it: notices where it changes."""
