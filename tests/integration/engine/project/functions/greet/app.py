from greeting import words  # type: ignore[import-not-found]


def handler(event, context):
    return f"{words.HELLO}, {event['name']}"
