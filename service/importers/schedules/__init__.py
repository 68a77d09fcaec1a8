"""Schedules as other systems keep them: units are said by the file or by a person, and never guessed."""
