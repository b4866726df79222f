answer_questions() {
    read_sections
    # While its input goes on, this shell is asked again, by a line each time.
    while read -r NONCE LIMIT SECTIONS; do read_sections; done
}
answer_questions
