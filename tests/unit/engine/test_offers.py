"""Offers as they are read, and answers as they are shown behind NAT."""

from vivavoce.engine.peer import readable_offer, with_address

HEAD = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n"
)
HIDDEN = "a=candidate:1 1 udp 2113937151 0b8f.local 54321 typ host\r\n"
SHOWN = "a=candidate:2 1 udp 2113937151 192.0.2.7 54321 typ host\r\n"
END = "a=end-of-candidates\r\n"


def test_what_only_the_clients_network_can_resolve_is_left_out():
    offer = readable_offer(HEAD + HIDDEN + SHOWN + END).sdp
    assert "0b8f.local" not in offer
    assert SHOWN in offer
    assert END in offer


def test_an_end_of_no_candidates_is_no_end():
    assert END not in readable_offer(HEAD + HIDDEN + END).sdp
    assert END not in readable_offer(HEAD + END).sdp


def test_one_address_stands_for_those_of_all_host_candidates():
    relayed = "a=candidate:3 1 udp 1 198.51.100.9 3478 typ relay raddr 10.0.0.5 rport 9\r\n"
    answer = with_address(HEAD + SHOWN + SHOWN + relayed, "203.0.113.5")
    assert "192.0.2.7" not in answer
    assert answer.count("203.0.113.5 54321 typ host") == 2
    assert relayed in answer
