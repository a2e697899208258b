"""What a refusal must look like."""

PROBLEM = "application/problem+json"


def refused(answer, status, field=None, detail=""):
    """The answer is a complete problem with this status, field and text."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    told = answer.json()
    assert told["status"] == status
    assert told["type"].startswith("urn:growthbench:problem:")
    assert told["title"]
    assert told["instance"] == answer.request.url.path
    assert told["request_id"] == answer.headers["x-request-id"]
    assert told.get("field") == field
    assert detail in told["detail"]
    assert not {"Traceback", "pydantic", 'File "', "/site-packages/"} & set(answer.text.split())
    return told
