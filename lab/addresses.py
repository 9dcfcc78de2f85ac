"""The addresses of the lab's hosts: all from the blocks kept for documentation (RFC 5737, RFC 3849)."""

PARENT = {"a.nic.example": "192.0.2.100", "b.nic.example": "203.0.113.100"}
DNS_A = {
    "ns1.dns-a.example": "192.0.2.1",
    "ns2.dns-a.example": "192.0.2.2",
    "ns3.dns-a.example": "198.51.100.1",
    "ns4.dns-a.example": "198.51.100.2",
}
"""Four servers in two networks; the fourth is anycast."""
DNS_A_V6 = {"ns1.dns-a.example": "2001:db8:a::1", "ns3.dns-a.example": "2001:db8:a::3"}
ANYCAST = DNS_A["ns4.dns-a.example"]
DNS_B = {"ns1.dns-b.example": "203.0.113.101", "ns2.dns-b.example": "203.0.113.102"}
DNS_B_V6 = {"ns1.dns-b.example": "2001:db8:b::1"}
CUSTOMER = {"ns1.acme.example": "203.0.113.61", "ns2.acme.example": "192.0.2.61"}
RESOLVERS = {"resolver-1": "192.0.2.53", "resolver-2": "198.51.100.53"}
FRONT_ENDS_V4 = {"us-east": "203.0.113.10", "eu-west": "203.0.113.20"}
FRONT_ENDS_V6 = {"us-east": "2001:db8:10::10", "eu-west": "2001:db8:20::20"}
MAIL = "203.0.113.25"
"""In records only: nothing listens there."""
CONTROL = ("192.0.2.250", "198.51.100.250", "203.0.113.250")
CONTROL_V6 = "2001:db8:ffff::250"
PAGER = "203.0.113.200"
PAGER_NAME = "pager.lab.example"
AUTOMATION = "203.0.113.201"
AUTOMATION_NAME = "automation.lab.example"
