answer_questions() {
    read_sections
    # While its input goes on, this shell is asked again, by a line each time. Where commands are may have changed since.
    while read -r NONCE LIMIT SECTIONS; do
        hash -r
        if [ -n "$NONCE" ]; then read_sections; fi
    done
}
answer_questions
