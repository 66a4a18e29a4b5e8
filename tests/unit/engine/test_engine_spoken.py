"""What is written is spoken as people say it: by the sounds that the voice's front end makes."""

import pytest
from hibari.g2p import G2P
from hibari.voices import VOICES
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.engine.interviewer_lines import stock_sentences
from vivavoce.engine.spoken import readable, spoken
from vivavoce.engine.tts import VOICE

# As written, and as somebody would say it.
CASES = {
    "numbers": [
        ("There were 3 of us.", "There were three of us."),
        ("It has 1,250 users.", "It has one thousand two hundred fifty users."),
        ("It took 12.5 days.", "It took twelve point five days."),
        ("It took .5 days.", "It took point five days."),
        ("We had 20\N{NARROW NO-BREAK SPACE}000 users.", "We had twenty thousand users."),
        ("We had 20k users.", "We had twenty thousand users."),
        ("It was 3x faster.", "It was three times faster."),
        ("A 2x2 table.", "A two by two table."),
        ("Some ~5 people.", "Some about five people."),
        ("You have 10+ years.", "You have ten plus years."),
        ("It takes 3-5 years.", "It takes three to five years."),
        ("Half is 1/2.", "Half is one half."),
        ("A 5:1 ratio.", "A five to one ratio."),
        ("The 80/20 rule.", "The eighty twenty rule."),
        ("A 401k plan, or 401(k).", "A four oh one K plan, or four oh one K."),
        ("He left in 1999 and came back in 2026.",
         "He left in nineteen ninety nine and came back in twenty twenty six."),
        ("In the 1990s.", "In the nineteen nineties."),
    ],
    "ordinals": [
        ("The 1st, 2nd, 3rd and 4th.", "The first, second, third and fourth."),
        ("On the 21st.", "On the twenty first."),
        ("Henry VIII", "Henry the eighth"),
        ("Engineer III", "Engineer three"),
    ],
    "percentages": [
        ("It grew by 5%.", "It grew by five percent."),
        ("It grew by 12.5 %.", "It grew by twelve point five percent."),
        ("It grew by 5-10%.", "It grew by five to ten percent."),
        ("It grew by 5%\N{EN DASH}10%.", "It grew by five to ten percent."),
    ],
    "money": [
        ("It costs $5.", "It costs five dollars."),
        ("It costs $5.50.", "It costs five dollars and fifty cents."),
        ("It costs \N{POUND SIGN}3.", "It costs three pounds."),
        ("It costs 20 \N{EURO SIGN}.", "It costs twenty euros."),
        ("It costs 1 EUR.", "It costs one euro."),
        ("It costs 500 USD.", "It costs five hundred dollars."),
        ("It costs US$500.", "It costs five hundred dollars."),
        ("It costs \N{POUND SIGN}5m.", "It costs five million pounds."),
        ("It costs $1.2M.", "It costs one point two million dollars."),
        ("It costs $3bn.", "It costs three billion dollars."),
        ("You get $70,000-$90,000 a year.",
         "You get seventy thousand to ninety thousand dollars a year."),
        ("You get $70k\N{EN DASH}90k.", "You get seventy thousand to ninety thousand dollars."),
        ("You get \N{POUND SIGN}30 - 35k.",
         "You get thirty thousand to thirty five thousand pounds."),
        ("You get $15/hour.", "You get fifteen dollars per hour."),
        ("You get 100k/yr.", "You get one hundred thousand per year."),
    ],
    "dates": [
        ("On 3/4/2026.", "On March fourth, twenty twenty six."),
        ("On 2026-03-04.", "On March fourth, twenty twenty six."),
        ("On 4.3.2026.", "On the fourth of March twenty twenty six."),
        ("On May 5, 2024.", "On May fifth, twenty twenty four."),
        ("On Jan. 3.", "On January third."),
        ("In 2020/21.", "In twenty twenty to twenty one."),
    ],
    "times": [
        ("At 9:30.", "At nine thirty."),
        ("At 9:30 am.", "At nine thirty A.M."),
        ("At 10am.", "At ten A.M."),
        ("At 9.30pm sharp.", "At nine thirty P.M. sharp."),
        ("At 10:00.", "At ten o'clock."),
        ("At 14:05.", "At fourteen oh five."),
        ("From 9:30-17:15.", "From nine thirty to seventeen fifteen."),
        ("From 9-5.", "From nine to five."),
        ("From 6am-2pm.", "From six A.M. to two P.M."),
        ("Open Mon.-Fri. only.", "Open Monday to Friday only."),
        ("It takes 24h.", "It takes twenty four hours."),
        ("It took 2h30.", "It took two hours thirty."),
        ("It took 5 yrs.", "It took five years."),
        ("It took 1 hr.", "It took one hour."),
        ("Open 24/7.", "Open twenty four seven."),
        ("We met 3 times/week.", "We met three times per week."),
    ],
    "initialisms": [
        ("The HR team and the CEO.", "The H.R. team and the C.E.O."),
        ("The IT department in the US.", "The I.T. department in the U.S."),
        ("She works for NASA.", "She works for Nasa."),
        ("Our API and KPI.", "Our A.P.I. and K.P.I."),
        ("A PhD in the UK.", "A P.H.D. in the U.K."),
        ("Use CI/CD.", "Use C.I. C.D."),
        ("This is VERY important.", "This is very important."),
    ],
    "abbreviations": [
        ("Dr. Smith and Mr. Jones.", "Doctor Smith and Mister Jones."),
        ("Tools, e.g. a saw.", "Tools, for example, a saw."),
        ("Now, i.e. today.", "Now, that is, today."),
        ("It is approx. 3 hrs.", "It is approximately three hours."),
        ("Work w/ people.", "Work with people."),
        ("Ask the mgr.", "Ask the manager."),
        ("Saw vs. axe.", "Saw versus axe."),
        ("Is he/she here?", "Is he or she here?"),
        ("A yes/no question.", "A yes or no question."),
        ("R&D", "R and D"),
        ("See No. 5.", "See number five."),
    ],
    "names": [
        ("Ask Nguyen.", "Ask Win."),
        ("Siobhan and Sean.", "Shivawn and Shawn."),
        ("Mary's plan.", "Maries plan."),
    ],
    "technology": [
        ("C# and C++", "C sharp and C plus plus"),
        ("We use .NET here.", "We use dot net here."),
        ("Send JSON.", "Send Jason."),
        ("Have you used AWS?", "Have you used A.W.S.?"),
        ("We use k8s.", "We use Kubernetes."),
        ("Version 3.11.2", "Version three point eleven point two"),
        ("IPv4", "I.P. version four"),
        ("See www.example.com/jobs", "See example.com slash jobs"),
    ],
    "telephone": [
        ("Call 911.", "Call nine one one."),
        ("Call 555-123-4567.", "Call five five five, one two three, four five six seven."),
        ("Call +49 30 1234567.",
         "Call plus four nine, three zero, one two three four five six seven."),
        ("Call 030 1234567.", "Call zero three zero, one two three four five six seven."),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def sounds():
    g2p = G2P()
    return lambda text: "".join(c for c in g2p(text) if c.isalpha() and c not in "ˈˌ")


@pytest.mark.parametrize(
    ("written", "said"), [case for kind in CASES.values() for case in kind], ids=lambda text: text
)
def test_it_sounds_as_people_say_it(sounds, written, said):
    assert sounds(spoken(written)) == sounds(said)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("**Hello** _you_!", "Hello you!"),
        ("`snake_case` in C#", "snake case in C sharp"),
        ("# Heading #1", "Heading #1"),
        ("See [the page](https://example.com/x).", "See the page."),
        ("Go to https://www.example.com/a?b=c now", "Go to example dot com now"),
        ("- first point", "first point"),
        ("2. second point", "second point"),
        ("Nice \N{PARTY POPPER} work", "Nice work"),
        ("It's 20% & $5.", "It's 20% & $5."),
        ("part-time, full\N{EN DASH}time", "part-time, full\N{EN DASH}time"),
    ],
)
def test_marks_for_the_eye_are_not_read_out(written, said):
    assert readable(written) == said


@pytest.mark.parametrize("sentence", stock_sentences())
def test_plain_words_stay_as_they_are(sentence):
    assert spoken(sentence) == sentence


@given(st.lists(st.integers(1, 99_999), min_size=1, max_size=4), st.sampled_from("$ %-/:~"))
def test_no_digit_is_lost(numbers, mark):
    written = mark.join(map(str, numbers))
    said = [character for character in spoken(written) if character.isdigit()]
    assert said == [character for character in written if character.isdigit()] or "24/7" in written


def test_only_one_voice_is_in_the_package():
    assert [name for name, voice in VOICES.items() if voice.get("bundled")] == [VOICE]
