"""Tokens: what is issued is accepted where it belongs, and every forgery is refused."""

import base64
import hmac
import json
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from vivavoce import tokens
from vivavoce.errors import AuthenticationFailed, Forbidden

KEYS = tokens.generate_keys()
OTHERS = tokens.generate_keys()
KEY = KEYS.keys[0]
VERIFIER = tokens.Verifier(KEYS.public())
NOW = 1_800_000_000
TENANT, USER, SESSION = str(uuid4()), str(uuid4()), str(uuid4())
AUDIENCES = [tokens.SESSION]


def issued(**changes):
    given = {
        "audience": tokens.SESSION,
        "subject": USER,
        "tenant_id": TENANT,
        "session_id": SESSION,
        "ttl": 600,
        "permissions": tokens.CANDIDATE_PERMISSIONS,
        "now": NOW,
    }
    return tokens.issue(KEYS, **{**given, **changes})


def segment(value):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def opened(token):
    head, body, _ = token.split(".")
    return tuple(json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, body))


HEADER, CLAIMS = opened(issued())


def es256(text, key=KEY):
    r, s = decode_dss_signature(key.private_key.sign(text, ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def signed(*, key=KEY, without=(), header=None, claims=None, drop=(), **changes):
    """A token whose signature is good, and something else is not."""
    body = claims if claims is not None else {**CLAIMS, **changes}
    body = {name: value for name, value in body.items() if name not in without}
    head = {name: value for name, value in {**HEADER, **(header or {})}.items() if name not in drop}
    text = f"{segment(head)}.{segment(body)}"
    return f"{text}.{segment(es256(text.encode(), key))}"


def hs256(secret, **header):
    text = f"{segment({**HEADER, 'alg': 'HS256', **header})}.{segment(CLAIMS)}"
    return f"{text}.{segment(hmac.digest(secret, text.encode(), 'sha256'))}"


def tampered(**changes):
    """Somebody else's claims under a signature of ours."""
    head, _, signature = issued().split(".")
    return f"{head}.{segment({**CLAIMS, **changes})}.{signature}"


def rsa_signed():
    key = RSAKey.generate_key(2048, {"kid": KEY.kid})
    return jwt.encode({**HEADER, "alg": "RS256"}, CLAIMS, key)


PUBLIC_PEM = KEY.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
PUBLIC_JWK = KEYS.public()["keys"][0]
STRANGER = OTHERS.keys[0]
ANOTHERS_URL = "https://evil.example/jwks.json"
GOOD = issued()
HEAD, BODY, SIGNATURE = GOOD.split(".")

FORGERIES = {
    "empty": "",
    "no token": "not-a-token",
    "two parts": f"{HEAD}.{BODY}",
    "four parts": f"{GOOD}.{SIGNATURE}",
    "five parts, as encrypted ones": f"{HEAD}.{BODY}.{SIGNATURE}.{BODY}.{SIGNATURE}",
    "huge": f"{HEAD}.{'A' * 9000}.{SIGNATURE}",
    "no signature": f"{HEAD}.{BODY}.",
    "zero signature": f"{HEAD}.{BODY}.{segment(bytes(64))}",
    "alg none": f"{segment({**HEADER, 'alg': 'none'})}.{BODY}.",
    "alg None": f"{segment({**HEADER, 'alg': 'None'})}.{BODY}.",
    "alg none, signed": f"{segment({**HEADER, 'alg': 'none'})}.{BODY}.{SIGNATURE}",
    "alg missing": signed(drop=["alg"]),
    "HS256 with the public key (PEM)": hs256(PUBLIC_PEM),
    "HS256 with the public key (JWK)": hs256(json.dumps(PUBLIC_JWK).encode()),
    "HS256 with an empty key": hs256(b""),
    "RS256 with the right kid": rsa_signed(),
    "ES384 named": signed(header={"alg": "ES384"}),
    "a stranger's key": signed(key=STRANGER, header={"kid": STRANGER.kid}),
    "a stranger's key under our kid": signed(key=STRANGER),
    "no kid": signed(drop=["kid"]),
    "kid is a path": signed(header={"kid": "../../dev/null"}),
    "kid is SQL": signed(header={"kid": "' or 1=1 --"}),
    "kid is a list": signed(header={"kid": [KEY.kid]}),
    "jku": signed(header={"jku": ANOTHERS_URL}),
    "x5u": signed(header={"x5u": ANOTHERS_URL}),
    "own key in the header": signed(key=STRANGER, header={"jwk": OTHERS.public()["keys"][0]}),
    "crit": signed(header={"crit": ["exp"], "exp": 1}),
    "b64 false": signed(header={"b64": False, "crit": ["b64"]}),
    "other header": signed(header={"zip": "DEF"}),
    "no exp": signed(without=["exp"]),
    "exp is text": signed(exp=str(NOW + 600)),
    "exp is true": signed(exp=True),
    "exp is null": signed(exp=None),
    "exp is infinite": signed(exp=float("inf")),
    "expired": issued(now=NOW - 700),
    "not yet valid": signed(nbf=NOW + 60),
    "issued in the future": signed(iat=NOW + 600, exp=NOW + 1200),
    "no iat": signed(without=["iat"]),
    "no iss": signed(without=["iss"]),
    "another issuer": signed(iss="https://evil.example"),
    "no aud": signed(without=["aud"]),
    "a machine's token": issued(audience=tokens.MACHINE),
    "a user's token": issued(audience=tokens.ACCESS),
    "several audiences": signed(aud=[tokens.SESSION, tokens.MACHINE]),
    "no sub": signed(without=["sub"]),
    "sub is no uuid": signed(sub="admin"),
    "no jti": signed(without=["jti"]),
    "no tenant": signed(without=["tenant_id"]),
    "tenant is no uuid": signed(tenant_id="*"),
    "no session": signed(without=["session_id"]),
    "service role": signed(role="service_role"),
    "no role": signed(without=["role"]),
    "permissions are text": signed(permissions="webrtc:connect"),
    "claims are a list": f"{HEAD}.{segment([1])}.{SIGNATURE}",
    "another tenant under our signature": tampered(tenant_id=str(uuid4())),
    "another session under our signature": tampered(session_id=str(uuid4())),
    "a longer life under our signature": tampered(exp=NOW + 10**6),
    "another spelling of the signature": f"{GOOD[:-1]}{chr(ord(GOOD[-1]) + 1)}",
    "padding": f"{GOOD}==",
    "padding inside": f"{HEAD}=.{BODY}.{SIGNATURE}",
    "blank before": f" {GOOD}",
    "newline after": f"{GOOD}\n",
    "ordinary base64": f"{HEAD}.{BODY}.{base64.b64encode(bytes(range(190, 254))).decode()}",
    "not ASCII": f"{HEAD}.{BODY}.{SIGNATURE[:-1]}\u00e9",
    "NUL": f"{GOOD}\x00",
    "Bearer": f"Bearer {GOOD}",
}


def verify(token, **options):
    return VERIFIER.verify(token, **{"audiences": AUDIENCES, "now": NOW, **options})


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_refused(name):
    with pytest.raises(AuthenticationFailed) as refused:
        verify(FORGERIES[name])
    assert CLAIMS["jti"] not in refused.value.message
    assert refused.value.__cause__ is None


def test_the_forger_can_sign():
    """The table above proves something only if its tools make good tokens otherwise."""
    assert verify(signed()).subject == USER


@given(st.integers(0, len(GOOD) * 8 - 1))
def test_a_token_with_any_bit_flipped_is_refused(position):
    data = bytearray(GOOD.encode())
    data[position // 8] ^= 1 << (position % 8)
    with pytest.raises(AuthenticationFailed):
        verify(data.decode("latin-1"))


@given(st.text(max_size=200) | st.text("eyJ.-_=AZaz09", max_size=200))
def test_any_text_is_a_token_or_refused(text):
    with pytest.raises(AuthenticationFailed):
        verify(text)


def test_a_session_token_says_who_may_do_what_where():
    identity = verify(issued())
    assert (identity.kind, identity.subject, identity.tenant_id) == (tokens.SESSION, USER, TENANT)
    assert identity.session_id == SESSION
    assert identity.claims["tenant_id"] == TENANT
    identity.require(tokens.CONNECT)
    with pytest.raises(Forbidden, match="admin:all"):
        identity.require("admin:all")


def test_a_session_token_lives_an_hour_at_most():
    identity = verify(issued(ttl=10**6))
    assert identity.expires_at - identity.issued_at == 3600


def test_a_token_that_was_good_is_checked_for_time_and_purpose_again():
    token = issued()
    first = verify(token)
    assert verify(token) == first
    with pytest.raises(AuthenticationFailed, match="expired"):
        verify(token, now=NOW + 700)
    with pytest.raises(AuthenticationFailed):
        verify(token, audiences=[tokens.MACHINE])


def test_only_so_many_tokens_are_remembered(monkeypatch):
    monkeypatch.setattr(tokens, "MAX_REMEMBERED", 2)
    verifier = tokens.Verifier(KEYS.public())
    several = [issued() for _ in range(3)]
    for token in several * 2:
        assert verifier.verify(token, audiences=AUDIENCES, now=NOW).subject == USER
    assert len(verifier._remembered) == 2


def test_an_expired_token_is_called_so_and_can_be_renewed_for_a_while():
    token = issued(now=NOW - 700)
    with pytest.raises(AuthenticationFailed, match="expired") as refused:
        verify(token)
    assert refused.value.details == {"expired": True}
    assert verify(token, grace=tokens.RENEWAL_GRACE_SECONDS).subject == USER
    late = issued(now=NOW - 600 - tokens.RENEWAL_GRACE_SECONDS - 1)
    with pytest.raises(AuthenticationFailed):
        verify(late, grace=tokens.RENEWAL_GRACE_SECONDS)


def test_a_tenant_may_stand_in_app_metadata():
    claims = {**CLAIMS, "app_metadata": {"tenant_id": TENANT}}
    del claims["tenant_id"]
    identity = verify(signed(claims=claims))
    assert identity.tenant_id == identity.claims["tenant_id"] == TENANT


def test_keys_rotate():
    """The newest key signs; what an older one signed is good until that key is taken out."""
    old = issued()
    both = tokens.SigningKeys((*OTHERS.keys, *KEYS.keys))
    new = tokens.issue(
        both,
        audience=tokens.SESSION,
        subject=USER,
        tenant_id=TENANT,
        session_id=SESSION,
        ttl=600,
        now=NOW,
    )
    verifier = tokens.Verifier(both.public())
    for token in (old, new):
        assert verifier.verify(token, audiences=AUDIENCES, now=NOW).subject == USER
    assert opened(new)[0]["kid"] == STRANGER.kid
    with pytest.raises(AuthenticationFailed):
        tokens.Verifier(OTHERS.public()).verify(old, audiences=AUDIENCES, now=NOW)


def test_what_is_published_cannot_sign():
    assert "d" not in PUBLIC_JWK
    assert not any(ECKey.import_key(key).is_private for key in KEYS.public()["keys"])


def test_kept_keys_are_read_back():
    again = tokens.load_keys(json.loads(json.dumps(KEYS.private_jwks())))
    assert again.public() == KEYS.public()


@pytest.mark.parametrize(
    "jwks",
    [
        {},
        {"keys": []},
        {"keys": ["x"]},
        KEYS.public(),
        {"keys": [{**KEYS.private_jwks()["keys"][0], "kid": ""}]},
        {"keys": [OctKey.import_key("s" * 32, {"kid": "k"}).as_dict()]},
        {"keys": [ECKey.generate_key("P-384", {"kid": "k"}).as_dict(private=True)]},
    ],
    ids=["nothing", "no keys", "text", "public", "no kid", "HMAC", "another curve"],
)
def test_unusable_keys_are_refused_at_start(jwks):
    with pytest.raises(ValueError, match="signing key"):
        tokens.load_keys(jwks)


SECRET = "a-supabase-secret-of-forty-characters---"
SUPABASE = tokens.SupabaseVerifier(SECRET)
USER_CLAIMS = {
    "iss": "https://project.supabase.co/auth/v1",
    "aud": "authenticated",
    "role": "authenticated",
    "sub": USER,
    "session_id": str(uuid4()),
    "app_metadata": {"tenant_id": TENANT},
    "iat": NOW,
    "exp": NOW + 600,
}


def supabase(*, secret=SECRET, header=None, **changes):
    head = segment({"alg": "HS256", "typ": "JWT", **(header or {})})
    text = f"{head}.{segment({**USER_CLAIMS, **changes})}"
    return f"{text}.{segment(hmac.digest(secret.encode(), text.encode(), 'sha256'))}"


def test_a_supabase_user_has_access_and_is_in_no_interview():
    identity = SUPABASE.verify(supabase(permissions=[tokens.CONNECT]), now=NOW)
    assert (identity.kind, identity.subject, identity.tenant_id) == (tokens.ACCESS, USER, TENANT)
    assert identity.session_id is None
    assert "session_id" not in identity.claims
    assert identity.permissions == frozenset()


@pytest.mark.parametrize(
    "token",
    [
        supabase(secret="another-secret-of-thirty-two-bytes-x"),
        supabase(header={"alg": "none"}),
        supabase(header={"alg": "HS512"}),
        supabase(header={"jku": ANOTHERS_URL}),
        supabase(aud="anon"),
        supabase(role="service_role"),
        supabase(app_metadata={}),
        supabase(app_metadata=None, user_metadata={"tenant_id": TENANT}),
        supabase(exp=NOW - 1),
        supabase(exp=None),
        supabase(sub="x"),
        GOOD,
        "",
    ],
    ids=range(13),
)
def test_a_forged_supabase_token_is_refused(token):
    with pytest.raises(AuthenticationFailed):
        SUPABASE.verify(token, now=NOW)


def test_a_short_shared_secret_is_refused_at_start():
    with pytest.raises(ValueError, match="32 bytes"):
        tokens.SupabaseVerifier("short")
