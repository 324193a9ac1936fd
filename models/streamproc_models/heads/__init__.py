"""One model per file: what each thinks a user takes next."""
