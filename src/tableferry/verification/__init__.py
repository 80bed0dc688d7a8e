"""Both tables read once, compared by key hash in both directions; differences looked at again."""
