"""`poller explain`: what each sweep would ask next, and why; what is known of one record. No vendor is asked."""
