"""The values of each chart, as Helm gets them."""
