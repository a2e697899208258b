"""Who asks for a person is found in many wordings, and who asks about people is not."""

import pytest

from growthbench.content.chat.person_wish import wants_person

WISHES = [
    "Can I talk to a human?",
    "I want to speak with a real person",
    "please connect me to an agent",
    "Let me talk to someone from sales",
    "I'd rather speak to a person than a bot",
    "transfer me to support",
    "Put me through to a colleague please",
    "Human please",
    "agent",
    "representative!",
    "Could somebody call me?",
    "Can someone get back to me?",
    "I need a human being",
    "get me a manager",
    "I want to talk to your supervisor now",
    "stop this bot nonsense",
    "I am not talking to a machine any longer",
    "escalate this",
    "please escalate my ticket to a supervisor",
    "Is there a real person I can talk to?",
    "How do I contact support?",
    "How can I reach a human?",
    "can you hand me over to one of your colleagues",
    "Would you connect us with customer service?",
    "I would like to have a chat with a sales rep",
    "Please have someone call me back",
    "call me back",
    "I don't want to talk to a bot, give me a person",
    "no more robots please",
    "Is anybody there? I want a live agent.",
    "I prefer speaking to an employee",
    "may I speak with an account manager",
    "I'd like to request a callback",
    "Ich möchte mit einem Menschen sprechen",
    "Kann ich mit einem Mitarbeiter verbunden werden?",
    "je veux parler à un conseiller",
    "quiero hablar con una persona",
    "somebody should contact us about this",
    "I need to speak to the customer success team",
    "Can a person look into this?",
    "Can you get someone to help me?",
    "This is useless, I want a human.",
    "forward me to a specialist",
    "Are there any humans I could speak to",
]
OTHERS = [
    "How many people can use the Free plan?",
    "Can guests talk to each other in comments?",
    "What does Pro cost?",
    "How do I transfer a board to a colleague?",
    "Can I hand over a workspace to another person?",
    "Does an API key stop working when the colleague who made it leaves?",
    "How do I invite a colleague?",
    "I don't want to talk to a person, just tell me the price",
    "No need to call anyone, I only want to know the limits",
    "Which plan includes customer support?",
    "How quickly does support reply to Pro customers?",
    "How many agents are included?",
    "Can I assign a card to someone?",
    "Do you have an AI assistant?",
    "Is there a bot for Slack?",
    "Can I forward a card to a person by e-mail?",
    "How do I contact my customers from a board?",
    "Can an automation rule message a person?",
    "We are a team of 12 people",
    "Who decides on a discount above 20 percent?",
    "Is the support team in Frankfurt?",
    'What does "talk to a human" do in the widget?',
    "Can someone with the guest role edit cards?",
    "Does the API support batch calls?",
    "How do I escalate a card automatically?",
    "Can managers see everything?",
    "What happens when a person leaves?",
    "Is there a limit for API calls?",
    "are there robots in your product",
    "Do I need a sales person to buy Enterprise?",
    "I am a person who likes boards",
    "Does your product have a machine learning forecast?",
    "how do I put a board through approval",
    "Can I connect Slack to a board?",
    "Is it possible to call the API from a bot?",
    "I can not use the bot token, what is its scope?",
    "Can anyone help? The import fails",
]


@pytest.mark.parametrize("text", WISHES)
def test_a_wish_for_a_person_is_found(text):
    assert wants_person(text)
    assert wants_person(text.upper())


@pytest.mark.parametrize("text", OTHERS)
def test_a_question_about_people_is_no_wish(text):
    assert not wants_person(text)
