"""Takes that cost money: purchase, budget, download."""
