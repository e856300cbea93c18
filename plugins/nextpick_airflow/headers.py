"""What every page of ours tells the browser that shows it."""

EVERY = {
    "Referrer-Policy": "no-referrer",  # addresses here hold ids of users
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
WITHIN = "base-uri 'none'; frame-ancestors 'self'"  # of each policy: Airflow shows pages in frames, and nobody else may
