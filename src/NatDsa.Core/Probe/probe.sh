answer_questions() {
    # nft makes large tables of its own for each of the kernel's, and glibc gives such memory back to the kernel, page by page, for each anew.
    MALLOC_MMAP_THRESHOLD_=33554432
    export MALLOC_MMAP_THRESHOLD_
    read_sections
    # While its input goes on, this shell is asked again, by a line each time. Where commands are may have changed since.
    while read -r NONCE LIMIT SECTIONS; do
        hash -r
        if [ -n "$NONCE" ]; then read_sections; fi
    done
}
answer_questions
