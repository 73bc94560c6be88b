"""Thirty more tools of an office, for prompts that declare many."""

OTHERS = {
    "create_calendar_event": ("Add an event to the calendar.", "title", "start_time"),
    "send_email": ("Send an email to a colleague.", "recipient", "body"),
    "book_meeting_room": ("Reserve a meeting room.", "room", "start_time"),
    "submit_expense": ("Hand in an expense claim.", "amount", "category"),
    "open_it_ticket": ("Report a fault to the help desk.", "summary", "urgency"),
    "look_up_employee": ("Find a colleague's contact details.", "name", "site"),
    "request_leave": ("Ask for days of leave.", "first_day", "last_day"),
    "order_supplies": ("Order office or lab supplies.", "item", "quantity"),
    "track_shipment": ("See where a parcel is.", "tracking_number", "carrier"),
    "translate_text": ("Translate a text.", "text", "target_language"),
    "convert_currency": ("Convert an amount of money.", "amount", "currency"),
    "get_weather": ("Weather forecast of a place.", "place", "day"),
    "plan_route": ("Plan a journey between two places.", "origin", "destination"),
    "create_invoice": ("Write an invoice for a customer.", "customer", "amount"),
    "check_stock": ("Count of a part in the warehouse.", "part_number", "warehouse"),
    "schedule_maintenance": ("Plan upkeep of a machine.", "machine", "date"),
    "post_announcement": ("Publish a note to all staff.", "title", "body"),
    "create_document": ("Start a document from a template.", "template", "title"),
    "share_file": ("Give somebody access to a file.", "file_name", "recipient"),
    "set_reminder": ("Remind the user of something.", "text", "time"),
    "start_timer": ("Start a timer.", "minutes", "label"),
    "look_up_customer": ("Find a customer's record.", "name", "country"),
    "update_deal": ("Change the stage of a sale.", "deal", "stage"),
    "run_report": ("Produce a standard report.", "report", "month"),
    "reset_password": ("Reset the password of an account.", "account", "reason"),
    "register_visitor": ("Announce a visitor at reception.", "visitor", "date"),
    "reserve_vehicle": ("Reserve a pool car or van.", "vehicle", "date"),
    "log_incident": ("Record a safety incident.", "place", "description"),
    "enrol_course": ("Sign up for a training course.", "course", "date"),
    "approve_request": ("Approve a request of the team.", "request", "comment"),
}


def tool_set(tools, count):
    """JSON schemas of `count` tools (2 to 32), the two given first."""
    others = [
        {
            "type": "function",
            "function": {
                "name": name,
                "description": description,
                "parameters": {
                    "type": "object",
                    "properties": {
                        argument: {
                            "type": "string",
                            "description": f"The {argument.replace('_', ' ')}",
                        }
                        for argument in arguments
                    },
                    "required": list(arguments),
                },
            },
        }
        for name, (description, *arguments) in OTHERS.items()
    ]
    return [*tools, *others[: count - 2]]
