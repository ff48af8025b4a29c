"""An OpenAI-compatible server on loopback that says what a test tells it to, and misbehaves on demand.

with Provider() as provider:
    provider.will(replies.status(500), replies.chat("Hello"))
    ...                     # point a Remote at provider.url
    provider.log            # what was asked, in order: headers, bodies, whether the client hung up
"""

from tests.provider import replies
from tests.provider.replies import Reply
from tests.provider.server import Provider, Seen

__all__ = ["Provider", "Reply", "Seen", "replies"]
