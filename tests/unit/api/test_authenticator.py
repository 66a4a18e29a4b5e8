"""Whose tokens are accepted: ours, and a Supabase project's users where its secret is set."""

import time
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from vivavoce import tokens
from vivavoce.api.authentication import Authenticator
from vivavoce.errors import AuthenticationFailed

SECRET = "a-project's-shared-secret-of-32-bytes-or-more"
KEYS = tokens.generate_keys()
OURS = tokens.Verifier(KEYS.public())


def supabase_token(secret=SECRET, **claims):
    now = int(time.time())
    payload = {
        "iss": "https://project.supabase.co/auth/v1",
        "aud": "authenticated",
        "role": "authenticated",
        "sub": str(uuid4()),
        "iat": now,
        "exp": now + 600,
        "session_id": str(uuid4()),
        "app_metadata": {"tenant_id": str(uuid4())},
        **claims,
    }
    return jwt.encode({"alg": "HS256", "typ": "JWT"}, payload, OctKey.import_key(secret))


def test_a_supabase_user_is_let_in_only_where_the_secret_is_set():
    token = supabase_token()
    with_secret = Authenticator(OURS, tokens.SupabaseVerifier(SECRET))
    assert with_secret.verify(token, (tokens.ACCESS,)).kind == tokens.ACCESS
    with pytest.raises(AuthenticationFailed):
        Authenticator(OURS).verify(token, (tokens.ACCESS,))


def test_a_shared_secret_stands_for_no_session_and_no_machine():
    authenticator = Authenticator(OURS, tokens.SupabaseVerifier(SECRET))
    for audiences in ((tokens.SESSION,), (tokens.MACHINE,)):
        with pytest.raises(AuthenticationFailed):
            authenticator.verify(supabase_token(aud=audiences[0]), audiences)


def test_our_own_tokens_pass_beside_it():
    authenticator = Authenticator(OURS, tokens.SupabaseVerifier(SECRET))
    token = tokens.issue(
        KEYS, audience=tokens.ACCESS, subject=str(uuid4()), tenant_id=str(uuid4()), ttl=60
    )
    assert authenticator.verify(token, (tokens.ACCESS,)).kind == tokens.ACCESS


@pytest.mark.parametrize("token", ["", ".", "a.b.c", "e30.e30.", "\xff.b.c", "x" * 9000])
def test_garbage_is_refused(token):
    authenticator = Authenticator(OURS, tokens.SupabaseVerifier(SECRET))
    with pytest.raises(AuthenticationFailed):
        authenticator.verify(token, (tokens.ACCESS,))
