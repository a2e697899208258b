QUESTION = {"question": "What does the Pro plan cost a month?"}


def test_a_document_is_found_answered_from_and_taken_out_again(with_prices):
    client = with_prices
    listed = client.get("/api/v1/knowledge/documents").json()
    assert len(listed["documents"]) == 4
    name = "product_docs/prices-and-refunds.md"
    whole = client.get(f"/api/v1/knowledge/documents/{name}").json()
    found = client.post("/api/v1/knowledge/search", json=QUESTION | {"k": 3}).json()
    assert found["hits"][0]["document_id"] == name
    assert all(h["text"] == whole["text"][h["start"] : h["end"]] for h in found["hits"] if h["document_id"] == name)
    given = client.post("/api/v1/knowledge/answer", json=QUESTION | {"keep": True}).json()
    assert given["answered"]
    assert "199" in given["answer"]
    for cited in given["citations"]:
        assert whole["text"][cited["start"] : cited["end"]] == cited["quote"]
    changed = {"text": "# Prices\n\nPro costs EUR 299 a month now.", "document_id": name, "collection": "product_docs"}
    assert client.post("/api/v1/knowledge/documents", json=changed).json()["state"] == "changed"
    (hit,) = client.get("/api/v1/knowledge/affected", params={"document_id": name}).json()["answers"]
    assert (hit["answer_id"], bool(hit["broken"])) == (given["answer_id"], True)
    assert client.delete(f"/api/v1/knowledge/documents/{name}").status_code == 204
    assert client.get(f"/api/v1/knowledge/documents/{name}").status_code == 404
    assert client.delete(f"/api/v1/knowledge/documents/{name}").status_code == 404


def test_documents_with_roles_are_seen_by_these_alone(client, installation):
    told = {"text": "The secret margin of Pro is 31 percent.", "title": "Margins", "collection": "product_docs",
            "roles": ["finance"]}  # fmt: skip
    assert client.post("/api/v1/knowledge/documents", json=told).status_code == 201
    question = {"question": "What is the margin of Pro?"}
    assert client.post("/api/v1/knowledge/search", json=question).json()["hits"] == []
    assert client.post("/api/v1/knowledge/search", json=question | {"role": "finance"}).json()["hits"]
    analyst = installation.member(client.tenant, "analyst")
    assert analyst.post("/api/v1/knowledge/search", json=question).json()["hits"] == []
    assert analyst.post("/api/v1/knowledge/search", json=question | {"role": "finance"}).status_code == 403
    assert analyst.get("/api/v1/knowledge/documents").json()["documents"] == []
    assert analyst.get("/api/v1/knowledge/documents/product_docs/margins.md").status_code == 404
    assert analyst.post("/api/v1/knowledge/documents", json=told).status_code == 403
    assert len(client.get("/api/v1/knowledge/documents").json()["documents"]) == 1


def test_the_desk_answers_nobody_but_the_door(installation, client):
    import httpx

    transport = httpx.HTTPTransport(uds=installation.url.removeprefix("unix:"))
    with httpx.Client(transport=transport, base_url="http://desk", headers=client.headers) as straight:
        answer = straight.post("/api/v1/knowledge/search", json=QUESTION)
    assert answer.status_code == 401
    assert "the Door alone" in answer.json()["detail"]
    assert (installation.settings.home / "desk.sock").stat().st_mode & 0o777 == 0o600
