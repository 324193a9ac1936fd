"""One line for everything that is shown: what the number is, over which time, in which unit."""

ABOUT = {
    # overview
    "Events": "Read by the workers, per second, over the last ten seconds.",
    "recall@20, lately": "How often the next item was among the twenty predicted ones; last five minutes.",
    "Learning pays": "The fusion's recall@20 above popularity's; last five minutes, ± 2 standard errors.",
    "Above the last refresh": "The fusion's recall@20 above the long-term head's alone: the serving"
    " generation's neighbours, frozen as fitted, without its encoder; last five minutes.",
    "Model's age": "Since the sync whose model ranks now; one comes every second or so.",
    "Click to slate": "Mean time of a worker from reading a micro-batch to its slates; last minute.",
    "What runs": "Dashed: topics. Rates are of the last ten seconds; behind: records not read yet.",
    "recall@20": "Mean of the last minute over events that were predicted before they were learned. Long"
    " term: the serving generation's neighbours alone, frozen as fitted, read with the window of now.",
    "MRR@20": "Mean of 1 / place of the next item, 0 where it was not among the twenty; last minute.",
    "How fresh": "Share of slates by the age of the model that ranked them, since the workers' start.",
    "Who is better than whom": "Last five minutes; shadow: the fusion with a generation, during its trial.",
    # users
    "Whom to look at": "Users whose slates came last, or anybody by name.",
    "Window": "What the user did, the newest first, as the trainer published it last (every 5 s).",
    "Newest slate": "As it lies on the topic: what everybody who reads it has seen.",
    "Gate": "Shares that short-term interest, long-term interest and popularity have in the slate.",
    "Before the last event": "What the present model would rank had the last event not happened.",
    "Try it": "Add items to the window and see what the slate would be; nothing is learned from it.",
    "Why": "Ask about any item: where it stands, and what each head gives to it.",
    # items
    "Which item": "Any item of the model, by its id; at first the most popular one.",
    "Goes with": "Neighbours by the heads that keep any; the score is the mean of their shares.",
    "How popular": "Its events, counted half after so many of all (half-life), as of the last sync.",
    "Exposure": "On how many of the newest slates that the server holds it is, and at which places.",
    "Most popular now": "By the middle half-life, as of the last sync; weight: decayed number of events.",
    # model
    "Version": "Of the newest sync; ascends by one with each.",
    "Learned to": "Offset of the journal up to which this model has learned.",
    "Generation": "Of the long-term interests in use; 0: none was promoted yet.",
    "Coverage": "Share of the catalogue that was on a sampled slate.",
    "Gini": "How unevenly the newest slates show the items they could show, over all users.",
    "Novelty": "How far from the beaten track: mean of -log2 of the shown items' shares of the events.",
    "Intra-list distance": "How different the items of a slate are: mean of 1 - cosine of their factors.",
    "What the slates show": "Coverage, Gini and intra-list distance of sampled slates, as above, over time.",
    "Loss": "Cross-entropy of the newest updates in nats, smoothed; of the heads that learn by batches.",
    "Gradient norms": "Mean length of the gradients of the last minute, of the same heads.",
    "Gate over time": "Mean shares of the score on recent slates, by family.",
    "Weights": "Score per unit of a feature: everybody's row, and what history, session and evidence add. "
    "Orange is above 0, blue below; point at one for its number.",
    "Generations": "Long-term interests, one by each refresh, the newest first; and what can be decided now.",
    "Snapshots": "The trainer's whole state on disk, the newest first, as far as it is on this machine.",
    # data health
    "Accepted": "Events that counted, since the workers' start.",
    "Duplicate": "Known event ids: they changed nothing.",
    "Late": "Older than the user's newest event by more than window.late_allowance.",
    "Rejected": "Set aside on the dead-letter topic with a reason.",
    "Outcomes": "Events per second by what became of them; mean of ten seconds.",
    "Reasons": "Why events were set aside, since the workers' start.",
    "Event times": "Age of an event by its own time when it was read, since the workers' start.",
    "Samples": "The newest of the dead-letter topic, with the beginning of their bytes.",
    # system
    "Workers and their partitions": "Who holds which partition of the events, as the consumer group says;"
    " the figures are the worker's own, rebalances since its start.",
    "Partitions": "How far behind the workers are with each partition of the events.",
    "Processes": "Resident memory, and processor time since its start, of each part.",
    "Memory against its bounds": "Entries held, the bound that the settings give, and what the arrays take.",
    "Rebalances": "Changes of the workers' partitions, since their start.",
    "Lag": "Records that the workers have not read yet, all partitions together.",
    "Requests": "HTTP requests per second that this server answers.",
}
