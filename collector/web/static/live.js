// Keeps an open page true: sections that changed come by server-sent events, spans of time are counted on here.
