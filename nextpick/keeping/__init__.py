"""What may go when, and what must stay, in each of the places where NextPick leaves something."""
