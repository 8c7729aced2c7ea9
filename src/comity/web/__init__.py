"""HTTP, thin: routes, sign-in, and errors as their readers expect them."""
